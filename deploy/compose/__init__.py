"""The container testnet; as a package it goes before docker-compose's own of that name."""
