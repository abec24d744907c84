import pytest
from stockroom import Stock, StockError


def test_unknown_articles_count_zero():
    assert Stock().free("lamp") == 0


def test_take_lowers_what_is_free():
    stock = Stock({"lamp": 3})
    stock.take({"lamp": 2})
    assert stock.free("lamp") == 1


def test_take_takes_all_lines_or_none():
    stock = Stock({"lamp": 3, "desk": 1})
    with pytest.raises(StockError, match="not enough desk"):
        stock.take({"lamp": 1, "desk": 2})
    assert stock.free("lamp") == 3


def test_put_makes_new_articles_known():
    stock = Stock()
    stock.put({"lamp": 2})
    assert stock.free("lamp") == 2
