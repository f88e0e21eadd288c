"""Parts of the match stage: one file for each form of ``when``, and what makes rules of them."""
