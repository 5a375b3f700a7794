"""Speed, memory and accuracy against peers and limits; each module is one command."""
