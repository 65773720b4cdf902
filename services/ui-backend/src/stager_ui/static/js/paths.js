// Paths of folders.

export function parent(path) {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}

export function child(path, name) {
  return path === "/" ? `/${name}` : `${path}/${name}`;
}
