"""Operations that move a window over images, as kernels: see README.md."""
