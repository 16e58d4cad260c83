"""The one thread that serves a scheduler: messages to ledger events, orders to messages."""
