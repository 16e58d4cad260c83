"""Workers as queue jobs of Slurm, by way of its commands.

::

    scheduler   what a program makes: `SlurmScheduler`
    request     what is asked for, as options of sbatch
    own_options what nobody may ask for beside the scheduler
    amounts     times and memory, as Slurm reads and writes them
"""
