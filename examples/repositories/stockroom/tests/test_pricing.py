import pytest
from stockroom import Order, OrderError, PriceList, total

PRICES = PriceList({"lamp": 1000, "desk": 9999})


def test_total_adds_up_the_lines():
    assert total(Order(1, "Ada", {"lamp": 2, "desk": 1}), PRICES) == 11999


def test_total_takes_the_discount_from_ten_pieces_on():
    assert total(Order(1, "Ada", {"lamp": 9}), PRICES) == 9000
    assert total(Order(1, "Ada", {"lamp": 10}), PRICES) == 9500


def test_total_needs_every_price():
    with pytest.raises(OrderError, match="no price for sofa"):
        total(Order(1, "Ada", {"sofa": 1}), PRICES)


def test_order_needs_a_line_with_a_quantity():
    with pytest.raises(OrderError, match="at least one line"):
        Order(1, "Ada", {})
    with pytest.raises(OrderError, match="start at one"):
        Order(1, "Ada", {"lamp": 0})
