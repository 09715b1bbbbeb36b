"""Ratios in one run: `make bench`. Absolute times differ between machines; ratios within a run say more."""

from benchmarks import asked, composed, search_cost, vector_indexes

if __name__ == "__main__":
    for benchmark in (vector_indexes, search_cost, composed, asked):
        print(f"== {benchmark.__doc__.splitlines()[0]}")
        benchmark.run()
