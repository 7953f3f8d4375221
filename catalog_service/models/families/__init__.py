"""One file a family: what its members' parts are called, as names. No torch in any of them."""
