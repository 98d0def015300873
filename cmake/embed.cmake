# Writes the text file IN as the string NAME into the C file OUT.
file(READ ${IN} hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
file(WRITE ${OUT}
    "extern const char ${NAME}[];\nconst char ${NAME}[] = {${bytes} 0};\n")
