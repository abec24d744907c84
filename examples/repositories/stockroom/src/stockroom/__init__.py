"""Stock and orders of a small shop."""

from .desk import OrderDesk
from .orders import Order, OrderError, Status
from .pricing import PriceList, total
from .stock import Stock, StockError

__all__ = [
    "Order",
    "OrderDesk",
    "OrderError",
    "PriceList",
    "Status",
    "Stock",
    "StockError",
    "total",
]
