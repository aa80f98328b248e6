"""How the database comes to be, one step after the other. ``frontdesk migrate`` and every start run what is missing."""
