"""Orders at the officer's desk: written, imported, changed, printed; and what people ask for."""

from ancu.server.web.pages.orders import asks, imports, listing, one, papers

__all__ = ["routers"]

routers = (listing.router, imports.router, papers.router, one.router, asks.router)
