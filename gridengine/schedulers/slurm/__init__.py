"""Workers as queue jobs of Slurm, by way of its commands.

::

    scheduler   what a program makes: `SlurmScheduler`
    request     what is asked for, as options of sbatch
    amounts     times and memory, as Slurm reads and writes them
"""
