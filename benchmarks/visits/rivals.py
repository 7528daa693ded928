"""The solvers one could pick instead, each told the same problem in its own terms.

Their settings are the best of several that were tried; one thread each.
"""

import warnings
from itertools import pairwise
from typing import Any

import numpy as np

from visits.problem import DAYS, END, HOME, START, Fortnight, Routes

FORBIDDEN = 10**6
"""Seconds of a way that must not be taken."""
PRIZE = 10_000
"""What a point of value weighs against a second of travel."""


def pyvrp(problem: Fortnight, seconds: float, neighbours: int, perturbations: int) -> Routes:
    """PyVRP: prizes, one vehicle a day with travel of its own, a client for each window."""
    import pyvrp as library
    from pyvrp.search import NeighbourhoodParams, PerturbationParams

    data, owner = _pyvrp_data(problem)
    params = library.SolveParams(
        penalty=library.PenaltyParams(max_penalty=1000.0),
        neighbourhood=NeighbourhoodParams(num_neighbours=neighbours),
        perturbation=PerturbationParams(1, perturbations),
    )
    limit = library.stop.MaxRuntime(seconds)
    with warnings.catch_warnings(action="ignore"):
        best = library.solve(
            data, limit, seed=1, collect_stats=False, display=False, params=params
        ).best
    routes: Routes = [[] for _ in DAYS]
    for route in best.routes():
        routes[route.vehicle_type()] = [owner[stop.idx] for stop in route if stop.is_client()]
    return routes


def _pyvrp_data(problem: Fortnight) -> tuple[Any, list[int]]:
    import pyvrp as library

    clients, groups, owner = [], [], list[int]()
    for c in range(1, len(problem.score)):
        days = problem.open_days(c)
        spans = problem.windows[c, days[0]] if days else []
        group = len(groups) if len(spans) > 1 else None
        if group is not None:
            groups.append(library.ClientGroup(required=False))
        for opens, closes in spans:
            if group is not None:
                groups[group].add_client(len(clients))
            clients.append(_pyvrp_client(problem, c, (opens, closes), group))
            owner.append(c)
    places = len(problem.score)
    durations = []
    for day in range(len(DAYS)):
        matrix = problem.travel.copy()
        closed = [c for c in range(1, places) if (c, day) not in problem.windows]
        matrix[:, closed] = FORBIDDEN
        np.fill_diagonal(matrix, 0)
        durations.append(matrix)
    vehicles = [
        library.VehicleType(1, tw_early=START, tw_late=END, unit_distance_cost=1, profile=day)
        for day in range(len(DAYS))
    ]
    locations = [library.Location(0, 0) for _ in range(places)]
    distances = [problem.travel] * len(DAYS)
    depots = [library.Depot(location=HOME)]
    return (
        library.ProblemData(locations, clients, depots, vehicles, distances, durations, groups),
        owner,
    )


def _pyvrp_client(
    problem: Fortnight, customer: int, span: tuple[int, int], group: int | None
) -> Any:
    import pyvrp as library

    return library.Client(
        location=customer,
        service_duration=problem.service[customer],
        tw_early=span[0],
        tw_late=span[1],
        prize=problem.score[customer] * PRIZE,
        required=customer in problem.fixed,
        group=group,
    )


def ortools(problem: Fortnight, seconds: float) -> Routes:
    """OR-Tools' routing library: disjunctions, guided local search."""
    from ortools.constraint_solver import pywrapcp, routing_enums_pb2

    manager = pywrapcp.RoutingIndexManager(len(problem.score), len(DAYS), HOME)
    model = pywrapcp.RoutingModel(manager)
    model.SetArcCostEvaluatorOfAllVehicles(model.RegisterTransitMatrix(problem.travel.tolist()))
    lasting = problem.travel + np.array(problem.service)[:, None]
    model.AddDimension(
        model.RegisterTransitMatrix(lasting.tolist()), 24 * 3600, 24 * 3600, False, "time"
    )
    clock = model.GetDimensionOrDie("time")
    for day in range(len(DAYS)):
        clock.CumulVar(model.Start(day)).SetRange(START, END)
        clock.CumulVar(model.End(day)).SetRange(START, END)
    for c in range(1, len(problem.score)):
        _ortools_customer(problem, model, clock, manager.NodeToIndex(c), c)
    search = pywrapcp.DefaultRoutingSearchParameters()
    search.first_solution_strategy = (
        routing_enums_pb2.FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
    )
    search.local_search_metaheuristic = (
        routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    )
    search.time_limit.FromMilliseconds(int(seconds * 1000))
    solution = model.SolveWithParameters(search)
    return _ortools_routes(model, manager, solution) if solution else [[] for _ in DAYS]


def _ortools_customer(
    problem: Fortnight, model: Any, clock: Any, index: int, customer: int
) -> None:
    days = problem.open_days(customer)
    if not days:
        model.AddDisjunction([index], 0)
        model.solver().Add(model.ActiveVar(index) == 0)
        return
    spans = sorted(problem.windows[customer, days[0]])
    at = clock.CumulVar(index)
    at.SetRange(spans[0][0], spans[-1][1])
    for (_, closes), (opens, _) in pairwise(spans):
        at.RemoveInterval(closes + 1, opens - 1)
    if customer in problem.fixed:
        model.VehicleVar(index).SetValues(days)
        return
    if len(days) < len(DAYS):
        model.VehicleVar(index).SetValues([-1, *days])
    model.AddDisjunction([index], problem.score[customer] * PRIZE)


def _ortools_routes(model: Any, manager: Any, solution: Any) -> Routes:
    routes: Routes = []
    for day in range(len(DAYS)):
        route, index = list[int](), model.Start(day)
        while not model.IsEnd(index):
            route.append(manager.IndexToNode(index))
            index = solution.Value(model.NextVar(index))
        routes.append([stop for stop in route if stop != HOME])
    return routes


def vroom(problem: Fortnight, top: int) -> Routes:
    """VROOM at its deepest: priorities, skills for days; it stops by itself.

    An appointment has priority 100, the highest there is, and the most valuable customer `top`.
    """
    import vroom as library

    task = library.Input()
    task.set_durations_matrix("car", problem.travel.astype(np.uint32))
    for day in range(len(DAYS)):
        skills = {100 + day, *(d for d in range(len(DAYS)) if d != day)}
        task.add_vehicle(
            library.Vehicle(
                day + 1,
                start=HOME,
                end=HOME,
                skills=skills,
                time_window=library.TimeWindow(START, END),
            )
        )
    for c in range(1, len(problem.score)):
        days = problem.open_days(c)
        if days:
            task.add_job(_vroom_job(problem, c, days, top))
    steps = task.solve(exploration_level=5, nb_threads=1).routes
    routes: Routes = [[] for _ in DAYS]
    for vehicle, kind, job in steps[["vehicle_id", "type", "id"]].itertuples(index=False):
        if kind == "job":
            routes[int(vehicle) - 1].append(int(job))
    return routes


def _vroom_job(problem: Fortnight, customer: int, days: list[int], top: int) -> Any:
    """Skill 100 + d stands for day d, skill d for any day but d."""
    import vroom as library

    closed = {d for d in range(len(DAYS)) if d not in days}
    fixed = customer in problem.fixed
    return library.Job(
        customer,
        location=customer,
        default_service=problem.service[customer],
        skills={100 + days[0]} if fixed else closed,
        priority=100
        if fixed
        else max(1, round(problem.score[customer] * top / max(problem.score))),
        time_windows=[library.TimeWindow(o, c) for o, c in problem.windows[customer, days[0]]],
    )
