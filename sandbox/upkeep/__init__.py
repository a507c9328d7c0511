"""What an operator does to a state folder: commands, backups and what follows a lost one, the machine's fitness."""
