"""What the command prints: tables, problems and words in two languages."""
