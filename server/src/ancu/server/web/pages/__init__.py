"""Pages for people: server-rendered, each usable without a script."""

from ancu.server.web.pages import devices, inbox, incident, mine, people, sign_in

__all__ = ["routers"]

routers = (sign_in.router, inbox.router, incident.router, people.router, devices.router, mine.router)
