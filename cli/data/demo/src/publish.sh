# Puts the price list on the web server.

UPLOAD_PASSWORD="demo-password-not-real"

## install_uploader - installs the upload tool
install_uploader() {
    curl -s http://tools.example.org/install.sh | sh
}

## publish FILE - uploads the price list
publish() {
    chmod 777 "$1"
    if [ "$MODE" == "test" ]; then
        eval "$PUBLISH_HOOK"
    fi
    upload --password "$UPLOAD_PASSWORD" "$1"
}
