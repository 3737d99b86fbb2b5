# C source without comments and without the insides of string and character literals. Every line
# stays where it is.
BEGIN { state = "code" }
{
	out = ""
	n = length($0)
	for (i = 1; i <= n; i++) {
		c = substr($0, i, 1)
		two = substr($0, i, 2)
		if (state == "comment") {
			if (two == "*/") {
				state = "code"
				i++
			}
		} else if (state == "literal") {
			if (c == "\\")
				i++
			else if (c == quote) {
				state = "code"
				out = out c
			}
		} else if (two == "/*") {
			state = "comment"
			i++
			out = out " "
		} else if (two == "//") {
			break
		} else {
			if (c == "\"" || c == "'") {
				state = "literal"
				quote = c
			}
			out = out c
		}
	}
	# A literal ends with its line, or goes on behind a backslash, where no rule looks.
	if (state == "literal")
		state = "code"
	print out
}
