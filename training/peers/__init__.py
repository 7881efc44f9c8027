"""The systems ours is compared with, written anew from the published facts: Motion3DGAN and S2D-Dec
(Otberdout et al., CVPR 2022), class-mean landmarks and radial basis functions."""

from training.peers.open_peers import Peers, open_peers

__all__ = ["Peers", "open_peers"]
