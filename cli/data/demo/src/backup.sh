# Copies of the orders.

BACKUP_DIR=/tmp/tally-backup

## backup_orders DIR - packs all orders of a directory
backup_orders() {
    cd $1
    mkdir -p "$BACKUP_DIR"
    tar -cf "$BACKUP_DIR/orders.tar" ./*.csv
}

prune_backups() {
    # FIXME: deletes everything when BACKUP_DIR is empty
    rm -rf $BACKUP_DIR/*
}
