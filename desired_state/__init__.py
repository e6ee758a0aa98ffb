"""What is allowed: the words, the order of authority, sign-offs and admission."""
