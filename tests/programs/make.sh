# make that compiles twelve files, four at a time.
command='make -s -j 4'
prepare() {
    for n in 1 2 3 4 5 6 7 8 9 10 11 12; do
        printf '#include <stdio.h>\nint f%s(void) { return puts("%s"); }\n' "$n" "$n" >"f$n.c"
    done
    printf 'all: $(patsubst %%.c,%%.o,$(wildcard f*.c))\n' >Makefile
}
