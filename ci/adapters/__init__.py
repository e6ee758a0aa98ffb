"""What meets the outside: git as a program, and this machine's clock and environment."""
