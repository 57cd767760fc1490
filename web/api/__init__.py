from apiflask import APIBlueprint

api = APIBlueprint("api", __name__, url_prefix="/api/v1")
