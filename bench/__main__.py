"""``make bench``: all benchmarks."""

from bench import dial_loop

if __name__ == "__main__":
    dial_loop.main()
