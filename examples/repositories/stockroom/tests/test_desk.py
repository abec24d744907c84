import pytest
from stockroom import OrderDesk, OrderError, Status, Stock


@pytest.fixture
def stock():
    return Stock({"lamp": 5})


@pytest.fixture
def desk(stock):
    return OrderDesk(stock)


def test_place_reserves_what_is_there(desk, stock):
    assert desk.place("Ada", {"lamp": 2}).status is Status.RESERVED
    assert stock.free("lamp") == 3


def test_place_lets_an_order_wait_for_the_rest(desk, stock):
    assert desk.place("Ada", {"lamp": 6}).status is Status.WAITING
    assert stock.free("lamp") == 5


def test_ship_needs_a_reserved_order(desk):
    order = desk.place("Ada", {"lamp": 6})
    with pytest.raises(OrderError, match="is waiting"):
        desk.ship(order.number)


def test_unknown_orders_are_refused(desk):
    with pytest.raises(OrderError, match="no order 7"):
        desk.order(7)


def test_receive_serves_the_oldest_first(desk):
    first = desk.place("Ada", {"lamp": 6})
    second = desk.place("Bob", {"lamp": 6})
    assert desk.receive({"lamp": 2}) == [first]
    assert desk.waiting == [second]


def test_cancel_gives_the_goods_back(desk, stock):
    order = desk.place("Ada", {"lamp": 2})
    assert desk.cancel(order.number).status is Status.CANCELLED
    assert stock.free("lamp") == 5


def test_cancel_serves_who_waits(desk):
    first = desk.place("Ada", {"lamp": 4})
    second = desk.place("Bob", {"lamp": 3})
    desk.cancel(first.number)
    assert second.status is Status.RESERVED


def test_cancel_refuses_what_has_left(desk):
    order = desk.place("Ada", {"lamp": 2})
    desk.ship(order.number)
    with pytest.raises(OrderError, match="has left"):
        desk.cancel(order.number)


def test_cancel_of_a_waiting_order_brings_no_goods(desk, stock):
    order = desk.place("Ada", {"lamp": 6})
    assert desk.cancel(order.number).status is Status.CANCELLED
    assert stock.free("lamp") == 5


def test_cancel_twice_gives_the_goods_back_once(desk, stock):
    order = desk.place("Ada", {"lamp": 2})
    desk.cancel(order.number)
    desk.cancel(order.number)
    assert stock.free("lamp") == 5
