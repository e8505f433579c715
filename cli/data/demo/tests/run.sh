# Runs all tests; prints one line for each, in the way of the Test Anything Protocol.
cd "$(dirname "$0")/.." || exit 1
. src/orders.sh

number=0
failures=0

# check NAME EXPECTED FOUND
check() {
    number=$((number + 1))
    if [ "$2" = "$3" ]; then
        echo "ok $number - $1"
    else
        echo "not ok $number - $1: expected $2, found $3"
        failures=$((failures + 1))
    fi
}

orders=tests/orders.csv
check "order_total adds quantity times price" 4397 "$(order_total $orders)"
check "order_total of an empty file is nothing" 0 "$(order_total /dev/null)"
check "order_count counts lines" 3 "$(order_count $orders)"
check "discount of 10 percent" 1800 "$(discount 2000 10)"
check "discount of nothing" 2000 "$(discount 2000 0)"
check "format_price shows two decimals" 12.05 "$(format_price 1205)"
check "format_price shows less than one" 0.99 "$(format_price 99)"
check "free_shipping from 50.00" yes "$(free_shipping 5000 && echo yes)"

echo "1..$number"
[ "$failures" -eq 0 ]
