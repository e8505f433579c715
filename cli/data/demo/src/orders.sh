# Orders are lines of "name;quantity;price in cents".

## order_total FILE - prints the sum of all orders in cents
order_total() {
    sum=0
    while IFS=';' read -r name quantity price; do
        sum=$((sum + quantity * price))
    done < "$1"
    echo "$sum"
}

## order_count FILE - prints the number of orders
order_count() {
    grep -c ';' "$1"
}

## discount CENTS PERCENT - prints the price that is left
discount() {
    echo $(($1 - $1 * $2 / 10))
}

## format_price CENTS - prints an amount as 12.34
format_price() {
    printf '%d.%02d\n' $(($1 / 100)) $(($1 % 100))
}

free_shipping() {
    # TODO: the limit should come from the settings
    [ "$1" -ge 5000 ]
}
