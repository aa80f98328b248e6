"""What Frontdesk costs, measured against what the same machine could do at best: ``python -m bench``, ``make bench``.

Adding a benchmark: write one function in one file of ``bench/writing`` or ``bench/reading``; it is found by itself.

    from bench.benchmarks import benchmark
    from bench.gates import Gate
    from bench.measure import Meter, interleaved, median
    from bench.place import Place

    @benchmark
    async def short_name(place: Place) -> list[Gate]:
        '''One sentence that says what is measured.'''
        office = await place.office()              # a fresh, migrated database with a workspace in it
        web = await office.start("web")            # the product as a process
        meter = Meter(postgres=place.pid, server=web.pid)

        async def ours() -> Spent:
            with meter.measured(items=1000) as spent: ...   # spent.took(seconds) notes one item's latency
            return spent

        rounds = await interleaved(place.size(5, quick=1), ours=ours, theirs=theirs)
        return [Gate.at_most("ours against theirs", median(rounds["ours"]) / ..., 2.0, "×", note="CPU")]

Three rules. A gate is a ratio of two things measured in the same run, in turns, wherever that is possible: machines
differ, ratios much less. CPU per item is told apart from wall time, and PostgreSQL's from the server's and from that of
the client, which plays the world outside. ``place.size(n, quick=k)`` gives a second of work under ``--quick``, where
figures are shown and judged by nobody; that is how the tests see that a benchmark still runs.
"""
