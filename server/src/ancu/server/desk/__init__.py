"""What pages and the API ask of the server, answered from its stores: a room for each kind of question."""
