"""The tables and figures of Potamias et al. (ECCV 2020) for unseen subjects, and what lies beside.

`systems` answer, `reconstruction_table`, `classifier`, `skin_measures` and `intensity_response`
judge, `results` collects, `targets` compares, `report` writes and `pictures` draws.
"""
