def track_published(volumes, settings, *, generator):
    raise NotImplementedError
