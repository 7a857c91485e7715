"""Many deploys: sweeps and Pareto fronts."""
