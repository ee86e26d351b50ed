# Node: a main thread that waits for two workers that compute, and for files.
command='node workers.js'
prepare() { cp "$sources/workers.js" .; }
