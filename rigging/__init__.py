"""The avatar as Blender objects: armature, point cloud, skinning nodes, actions. Uses bpy; draws nothing."""
