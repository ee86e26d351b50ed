# find | xargs grep over the texts that every Debian has.
command='sh search.sh'
prepare() {
    echo 'find /usr/share/doc -name copyright -type f | xargs -n 60 grep -l BSD | wc -l' >search.sh
}
