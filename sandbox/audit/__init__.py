"""The tamper-evident log: leaves, Merkle tree, checkpoints, offline verification."""
