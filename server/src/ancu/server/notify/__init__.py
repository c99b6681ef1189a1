"""Notify: carries an alert to a person. Who is told is decided purely; channels are behind one port."""
