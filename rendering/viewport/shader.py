"""The shaders' text, as Blender's `gpu` module wants it for OpenGL, Vulkan and Metal alike.

A splat is a rectangle along the axes of its ellipse on the screen (EWA splatting); all splats are blended in
display space into a picture of their own, which is then laid over the scene by depth.

Source: Zwicker et al. 2001, section 6; Kerbl et al. 2023, section 4; harmonics as in ``engine.avatar.sh``.
"""

from __future__ import annotations

DILATION = 0.3
"""Variance that is added on the screen, square pixels; the rasterizer's ``eps2d``."""

MAX_ALPHA = 0.99
"""As the rasterizer's."""

SURE_ALPHA = 1 / 6
"""A splat with as much alpha at a pixel is what the eye sees there; its depth counts and not those behind."""

NEARER = 4.0
"""How much nearer than its centre a splat counts when it meets other things, largest standard deviations.

The points that stand in for an avatar lie at the centres, and what touches the skin must not shine through.
On a slanting surface neighbours lie that much apart in depth.
"""

_FETCH = """
#define TEXEL(source, place) texelFetch(source, ivec2((place) % WIDTH, (place) / WIDTH), 0)
"""

SPLAT_VERTEX = (
    _FETCH
    + """
vec3 turned(vec4 q, vec3 v) { return v + 2.0 * cross(q.yzw, cross(q.yzw, v) + q.x * v); }
vec3 turned_back(vec4 q, vec3 v) { return turned(vec4(q.x, -q.yzw), v); }

#if HARMONICS > 0
/* Colours of degree 1 and up towards a direction of length 1, in the axes of the coefficients. */
vec3 beyond_constant(int start, vec3 d)
{
  float x = d.x, y = d.y, z = d.z;
  vec3 sum = -0.4886025 * y * TEXEL(harmonic, start).rgb;
  sum += 0.4886025 * z * TEXEL(harmonic, start + 1).rgb;
  sum += -0.4886025 * x * TEXEL(harmonic, start + 2).rgb;
#  if HARMONICS > 3
  sum += 1.0925484 * x * y * TEXEL(harmonic, start + 3).rgb;
  sum += -1.0925484 * y * z * TEXEL(harmonic, start + 4).rgb;
  sum += 0.3153916 * (3.0 * z * z - 1.0) * TEXEL(harmonic, start + 5).rgb;
  sum += -1.0925484 * x * z * TEXEL(harmonic, start + 6).rgb;
  sum += 0.5462742 * (x * x - y * y) * TEXEL(harmonic, start + 7).rgb;
#  endif
#  if HARMONICS > 8
  sum += -0.5900436 * y * (3.0 * x * x - y * y) * TEXEL(harmonic, start + 8).rgb;
  sum += 2.8906114 * x * y * z * TEXEL(harmonic, start + 9).rgb;
  sum += -0.4570458 * y * (5.0 * z * z - 1.0) * TEXEL(harmonic, start + 10).rgb;
  sum += 0.3731763 * z * (5.0 * z * z - 3.0) * TEXEL(harmonic, start + 11).rgb;
  sum += -0.4570458 * x * (5.0 * z * z - 1.0) * TEXEL(harmonic, start + 12).rgb;
  sum += 1.4453057 * z * (x * x - y * y) * TEXEL(harmonic, start + 13).rgb;
  sum += -0.5900436 * x * (x * x - 3.0 * y * y) * TEXEL(harmonic, start + 14).rgb;
#  endif
  return sum;
}
#endif

void main()
{
  reach = vec2(0.0);
  shade = vec4(0.0);
  front = 0.0;
  gl_Position = vec4(2.0, 2.0, 2.0, 1.0); /* Outside, unless all goes well. */

  int splat = int(TEXEL(order, gl_InstanceID).x + 0.5);
  vec3 place = vec3(TEXEL(means, 3 * splat).x, TEXEL(means, 3 * splat + 1).x, TEXEL(means, 3 * splat + 2).x);
  vec4 turn = normalize(TEXEL(turns, splat));
  vec4 size = TEXEL(still, 2 * splat);
  vec4 look = TEXEL(still, 2 * splat + 1);
  vec3 paint = look.rgb;
  float opacity = look.a;
  if (!(opacity >= 1.0 / 255.0)) {
    return;
  }

  int block = 3 * int(size.w + 0.5);
  vec4 row_x = TEXEL(blocks, block), row_y = TEXEL(blocks, block + 1), row_z = TEXEL(blocks, block + 2);
  vec4 local = vec4(place, 1.0);
  vec3 world = vec3(dot(row_x, local), dot(row_y, local), dot(row_z, local));
  vec3 seen = (view * vec4(world, 1.0)).xyz; /* Blender's camera looks along -z. */
  vec2 extent = frame.xy;
  bool parallel = frame.z != 0.0;
  vec4 clip = vec4(lens.xy * seen.xy + lens.zw * seen.z + shift.xy, shift.z * seen.z + shift.w,
                   parallel ? 1.0 : -seen.z);
  if (abs(clip.z) > clip.w || clip.w <= 0.0) {
    return;
  }

  /* Rows of the projection's slope, pixels per metre, in camera axes. Far outside the view it would grow
   * without bound, so it is taken at the nearest place inside a margin. */
  vec2 half_size = 0.5 * extent, focal = half_size * lens.xy;
  vec3 slope_x = vec3(focal.x, 0.0, 0.0), slope_y = vec3(0.0, focal.y, 0.0);
  if (!parallel) {
    vec2 centre = half_size * (1.0 - lens.zw), margin = 0.15 * extent;
    vec2 ray = clamp(seen.xy / -seen.z, -(centre + margin) / focal, (extent - centre + margin) / focal);
    slope_x = vec3(focal.x, 0.0, focal.x * ray.x) / -seen.z;
    slope_y = vec3(0.0, focal.y, focal.y * ray.y) / -seen.z;
  }
  mat3 camera = mat3(view[0].xyz, view[1].xyz, view[2].xyz);
  slope_x = slope_x * camera; /* A row vector on the left: into world axes. */
  slope_y = slope_y * camera;
  slope_x = row_x.xyz * slope_x.x + row_y.xyz * slope_x.y + row_z.xyz * slope_x.z;
  slope_y = row_x.xyz * slope_y.x + row_y.xyz * slope_y.y + row_z.xyz * slope_y.z;
  vec3 p = size.xyz * turned_back(turn, slope_x), q = size.xyz * turned_back(turn, slope_y);

  /* Axes of the ellipse. */
  float xx = dot(p, p) + DILATION, xy = dot(p, q), yy = dot(q, q) + DILATION;
  float middle = 0.5 * (xx + yy), apart = length(vec2(0.5 * (xx - yy), xy));
  float longest = middle + apart, shortest = max(middle - apart, DILATION);
  vec2 first = vec2(longest - yy, xy), second = vec2(xy, longest - xx);
  vec2 axis = dot(first, first) > dot(second, second) ? first : second;
  axis = dot(axis, axis) > 0.0 ? normalize(axis) : vec2(1.0, 0.0);

  reach = corner * sqrt(2.0 * log(255.0 * opacity)); /* There alpha falls below 1 / 255. */
  vec2 offset = reach.x * sqrt(longest) * axis + reach.y * sqrt(shortest) * vec2(-axis.y, axis.x);
  gl_Position = vec4(clip.xy / clip.w + offset / half_size, 0.0, 1.0);
  float largest = max(max(size.x, size.y), size.z) * length(row_x.xyz);
  front = -seen.z - NEARER * largest;

#if HARMONICS > 0
  vec3 back = vec3(view[0].z, view[1].z, view[2].z);
  vec3 eye = -(view[3].xyz * camera);
  vec3 ray_out = parallel ? -back : world - eye;
  vec3 towards = row_x.xyz * ray_out.x + row_y.xyz * ray_out.y + row_z.xyz * ray_out.z;
  int start = (HARMONICS + 1) * splat;
  towards = turned(normalize(TEXEL(harmonic, start)), turned_back(turn, normalize(towards)));
  paint = max(paint + beyond_constant(start + 1, towards), 0.0);
#endif
  shade = vec4(paint, opacity);
}
"""
)

SPLAT_FRAGMENT = """
void main()
{
  float alpha = min(MAX_ALPHA, shade.a * exp(-0.5 * dot(reach, reach)));
  if (alpha < 1.0 / 255.0) {
    discard;
  }
  picture = vec4(shade.rgb * alpha, alpha);
  /* Blended like a colour, but sharper: what is left is the distance of the surface that the eye sees. */
  float sure = min(alpha / SURE_ALPHA, 1.0);
  surface = vec4(front * sure, sure, 0.0, sure);
}
"""

OVERLAY_VERTEX = """
void main()
{
  gl_Position = vec4(corner, 0.0, 1.0);
}
"""

OVER, DIM, HIDE = 0, 1, 2
"""Steps of laying a picture over the scene.

``OVER``: over the scene's colours, in light, where nothing of the scene is nearer. Then two for pixels that
show no object: Blender has not put the background among the scene's colours there, but adds it to them as
they are displayed, together with the overlays. ``DIM`` makes the picture's soft edges what they are in
display space, as display values will be added; ``HIDE`` takes the background away from behind the picture.
"""

GREY = 0.25
"""Display value of the background that Blender comes with."""

OVERLAY_FRAGMENT = """
float light(float display)
{
  return display <= 0.04045 ? display / 12.92 : pow((display + 0.055) / 1.055, 2.4);
}

vec3 light3(vec3 display) { return vec3(light(display.r), light(display.g), light(display.b)); }

void main()
{
  vec4 blended = texelFetch(picture, ivec2(gl_FragCoord.xy), 0);
  vec2 distance = texelFetch(surface, ivec2(gl_FragCoord.xy), 0).xy;
  if (blended.a <= 0.0 || distance.y <= 0.0) {
    discard;
  }
  vec3 display = max(blended.rgb, 0.0);
  vec3 over = light3(display / blended.a) * blended.a;
  float away = distance.x / distance.y;
  float depth = shift.w - shift.z * away;
  depth = frame.z != 0.0 ? depth : (away > 0.0 ? depth / away : -1.0);
  gl_FragDepth = clamp(0.5 * depth + 0.5, 0.0, 1.0);
  scene = vec4(over, blended.a);
  if (frame.w > 0.5) {
    gl_FragDepth = 1.0;
    scene = vec4(light3(display) - over, 0.0);
  }
  if (frame.w > 1.5) {
    /* The overlays' buffer is blended in light. This is 1 - alpha in display space for the usual grey of the
     * background, and nearly so for others. */
    scene = vec4(vec3(light(GREY * (1.0 - blended.a)) / light(GREY)), 1.0);
  }
}
"""
