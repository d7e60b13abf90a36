"""What Kibana's connectors say to ticketing systems over HTTP; no rules of cases, no database."""
