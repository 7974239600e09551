"""C{twistd}, by the Python that runs the manager, wherever its script was installed."""

from twisted.scripts.twistd import run

if __name__ == "__main__":
    run()
