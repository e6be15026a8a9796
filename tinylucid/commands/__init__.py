"""The commands of the command line, a file each: HELP, DESCRIPTION, EXAMPLES, add(parser) and run(arguments)."""
