"Films, the player, the explorer, figures and pictures."
