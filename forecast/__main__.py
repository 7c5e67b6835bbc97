"""`python -m forecast` is the `forecast` command."""

from forecast.commands.main import main

if __name__ == "__main__":
    main(prog_name="forecast")
