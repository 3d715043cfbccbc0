"""The demo studio: its people, its passes, its recording and the main job."""
