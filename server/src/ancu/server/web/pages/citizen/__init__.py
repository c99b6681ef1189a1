"""The pages of a person under order: large, plain, and whole without a script."""

from ancu.server.web.pages.citizen import asking, entry, feeling, own_data

__all__ = ["routers"]

routers = (entry.router, feeling.router, asking.router, own_data.router)
