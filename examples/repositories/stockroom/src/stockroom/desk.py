"""Orders come in, wait, are served, leave."""

from __future__ import annotations

from collections.abc import Mapping

from .orders import Order, OrderError, Status
from .stock import Stock


class OrderDesk:
    """Every step of an order goes through the desk, so that stock and orders agree."""

    def __init__(self, stock: Stock) -> None:
        self._stock = stock
        self._orders: dict[int, Order] = {}

    def order(self, number: int) -> Order:
        """The order with this number.

        Raises:
            OrderError: there is none.
        """
        try:
            return self._orders[number]
        except KeyError:
            raise OrderError(f"no order {number}") from None

    @property
    def waiting(self) -> list[Order]:
        """Orders that wait for goods, oldest first."""
        return [order for order in self._orders.values() if order.status is Status.WAITING]

    def place(self, customer: str, lines: Mapping[str, int]) -> Order:
        """Take an order; it waits where the stock does not cover it."""
        order = Order(len(self._orders) + 1, customer, dict(lines))
        self._orders[order.number] = order
        self._try_to_reserve(order)
        return order

    def ship(self, number: int) -> Order:
        """Send an order whose goods are reserved."""
        order = self.order(number)
        if order.status is not Status.RESERVED:
            raise OrderError(f"order {number} is {order.status.value}")
        order.status = Status.SHIPPED
        return order

    def cancel(self, number: int) -> Order:
        """Give the goods back and serve who waits for them."""
        order = self.order(number)
        if order.status is Status.SHIPPED:
            raise OrderError(f"order {number} has left")
        self._stock.put(order.lines)
        order.status = Status.CANCELLED
        self._serve_waiting()
        return order

    def receive(self, lines: Mapping[str, int]) -> list[Order]:
        """Goods arrive; the orders that they serve are returned, oldest first."""
        self._stock.put(lines)
        return self._serve_waiting()

    def _serve_waiting(self) -> list[Order]:
        return [order for order in self.waiting if self._try_to_reserve(order)]

    def _try_to_reserve(self, order: Order) -> bool:
        if not self._stock.covers(order.lines):
            return False
        self._stock.take(order.lines)
        order.status = Status.RESERVED
        return True
