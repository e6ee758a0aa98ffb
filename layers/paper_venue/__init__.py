"""An exchange in small: own store on disk, virtual clock, stated market model. See README.md."""
