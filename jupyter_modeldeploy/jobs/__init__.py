"""Long actions in processes of their own: they outlive the kernel, the browser and the server that asked for them."""
