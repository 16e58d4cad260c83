"""Models of scikit-learn are fitted by jobs, and used by jobs; a grid of parameters.

On: cores
Slow: imports scikit-learn in each of its programs
Needs: sklearn

$ python scikit_learn_models.py
scores of 3 depths, best: 3
as here: True
with n_jobs=2 in a job: 10
"""

from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

import gridengine

X, Y = load_iris(return_X_y=True)


def score(depth):
    return cross_val_score(DecisionTreeClassifier(max_depth=depth, random_state=0), X, Y).mean()


def fitted(depth):
    tree = DecisionTreeClassifier(max_depth=depth, random_state=0)
    return make_pipeline(StandardScaler(), tree).fit(X, Y)


def forest(n_jobs):
    return len(RandomForestClassifier(10, n_jobs=n_jobs, random_state=0).fit(X, Y).estimators_)


if __name__ == "__main__":
    scores = gridengine.map(score, [1, 2, 3])
    print(f"scores of {len(scores)} depths, best: {1 + scores.index(max(scores))}")
    (model,) = gridengine.map(fitted, [2])
    print("as here:", (model.predict(X) == fitted(2).predict(X)).all())
    print("with n_jobs=2 in a job:", gridengine.map(forest, [2])[0])
