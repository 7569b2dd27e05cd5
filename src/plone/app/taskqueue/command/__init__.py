"""The script ``taskqueue``: what people type at a shell to run, watch and steer jobs."""
