"""Who listens to what a dispatcher tells: see `gridengine.ledger.events`."""
